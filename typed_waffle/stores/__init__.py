"""Where overrides, revisions and history are kept."""
