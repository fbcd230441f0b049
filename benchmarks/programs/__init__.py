"""Programs that a benchmark gives to spark-submit."""
