"""The parts of the supervisor: it imports none of the services that it starts."""
