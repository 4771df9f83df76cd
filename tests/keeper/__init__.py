"""Conversations with a real keeper over real sockets."""
