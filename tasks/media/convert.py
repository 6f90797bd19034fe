"""A frame in another size and format, without what `frame.reformat` leaves behind."""

import av
from av.video.reformatter import VideoReformatter


def convert(
    frame: av.VideoFrame, pixels: str, width: int = 0, height: int = 0, interpolation: str | None = None
) -> av.VideoFrame:
    """`frame` in the format `pixels`, `width` x `height` or as large as it is. Raises FFmpegError.

    By one thread: `frame.reformat` starts some for each frame, and they stay as long as the frame does.
    """
    return VideoReformatter().reformat(
        frame, width or frame.width, height or frame.height, pixels, interpolation=interpolation, threads=1
    )
