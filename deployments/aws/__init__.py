"""The images on AWS: called as Lambda functions, or run as ECS tasks where Lambda's limits are too tight.

A call travels: endpoint (moves files to S3 and back) → route (Lambda or ECS) → functions or tasks (retries,
limits) and back; what it cost is put into the run's ledger. What an image may use is in its image.toml; where
things are in the account is in the settings.
"""
