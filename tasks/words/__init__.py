"""What was said, as an index that is searched by words: OUT/words/. Nothing here loads Prefect or a model."""
