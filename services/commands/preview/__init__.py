"""What `supervisor.py plan` reads and shows."""
