"""How a running system is: looked up here or on AWS, judged, and shown in one screen."""
