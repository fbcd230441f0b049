"""The live page: what the CSV tree and the status file say, in a browser on this machine. It only ever reads."""
