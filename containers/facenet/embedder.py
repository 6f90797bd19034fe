"""FaceNet's embedding: InceptionResnetV1 trained on VGGFace2, as facenet-pytorch has it.

Schroff et al., "FaceNet: A Unified Embedding for Face Recognition and Clustering", 2015.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from containers.common.models.checkpoints import load_checkpoint
from containers.facenet.detector import Corners

if TYPE_CHECKING:
    from facenet_pytorch import InceptionResnetV1

SIZE = 160  # pixels


@cache
def load_embedder(checkpoint: Path) -> "InceptionResnetV1":
    """The network with the checkpoint's weights, without the classifier, on CUDA where there is a device."""
    import torch
    from facenet_pytorch import InceptionResnetV1

    weights = load_checkpoint(checkpoint)
    network = InceptionResnetV1()
    network.load_state_dict({name: w for name, w in weights.items() if not name.startswith("logits.")})
    return network.eval().to("cuda" if torch.cuda.is_available() else "cpu")


def crop_face(picture: Image.Image, box: Corners) -> Image.Image:
    """The box stretched to 160 x 160, as `MTCNN(image_size=160, margin=0)` does.

    That is the alignment the VGGFace2 weights were trained on; they expect no rotation by landmarks.
    """
    from facenet_pytorch.models.utils.detect_face import extract_face

    pixels = extract_face(picture, box, SIZE)
    return Image.fromarray(pixels.permute(1, 2, 0).byte().numpy())


def embed_faces(network: "InceptionResnetV1", crops: list[Image.Image]) -> NDArray[np.float32]:
    """Embeddings (faces, 512) of L2 norm 1, computed as one batch."""
    import torch
    from facenet_pytorch import fixed_image_standardization

    pixels = torch.from_numpy(np.stack([np.asarray(crop) for crop in crops])).permute(0, 3, 1, 2)
    device = next(network.parameters()).device
    with torch.inference_mode():
        return network(fixed_image_standardization(pixels.float().to(device))).cpu().numpy()
