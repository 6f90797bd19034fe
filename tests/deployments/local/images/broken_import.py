import no_such_library  # noqa: F401


def handler(event, context):
    return None
