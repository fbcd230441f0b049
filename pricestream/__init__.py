"""What the producer and the Spark jobs share: the tick contract, the settings, the errors.

Nothing here imports pyspark, boto3 or requests, so that both sides can.
"""

__version__ = "0.1.0"
