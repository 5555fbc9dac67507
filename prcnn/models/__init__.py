"""Every network of the paper and of its code, by name; the authors' weights for some of them."""

from prcnn.models.checkpoints import (
    CHECKPOINTS,
    CheckpointError,
    load_checkpoint,
    read_accumulators,
    read_weights,
)
from prcnn.models.inspection import (
    attention_weights,
    layer_summary,
    outputs,
    receptive_field,
    state_influence,
    trainable_parameters,
)
from prcnn.models.shipped import card, pretrained
from prcnn.models.zoo import NETWORKS, build, names
