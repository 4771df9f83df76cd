"""The renderer: leases render jobs and draws them in one Chromium page that stays open."""
