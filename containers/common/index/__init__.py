"""A search index as it lies on disk or in a bucket: read and written without faiss."""
