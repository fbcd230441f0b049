"""The platform on AWS: what is made there, found there and said of it by deploy, submit and status."""
