"""The processes of Tilewright and the small runtime they share."""
