"""Logs of calls: read, judged, and reckoned anew under other policies. Nothing leaves them."""
