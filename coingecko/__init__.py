"""What asking CoinGecko takes, for the producer and for the jobs: within the budget, patiently, without trust."""
