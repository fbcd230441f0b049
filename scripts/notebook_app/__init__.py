"""The notebooks on a laptop: JupyterLab on loopback, with a stand-in for Kinesis beside it."""
