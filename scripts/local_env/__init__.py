"""Make the local environment: the virtual environment, Java, the Spark jars and Spark's configuration.

It runs before anything is installed, so it imports the standard library only; ``truststore`` alone
runs inside the finished virtual environment.
"""
