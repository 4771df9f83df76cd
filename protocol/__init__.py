"""The wire of Tilewright: pydantic messages in msgpack maps, specified in PROTOCOL.md."""
