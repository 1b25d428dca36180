"""The gRPC front end, and the messages that the client uses too."""
