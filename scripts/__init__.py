"""What a person runs: ``setup``, ``test``, ``demo`` and ``lock``, and the Python behind them."""
