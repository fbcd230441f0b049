"""The demo: a stand-in for Kinesis, the producer and the streaming job, each a process of its own."""
