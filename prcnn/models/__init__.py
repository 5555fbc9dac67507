"""Every network of the paper and of its code, by name; the authors' weights for some of them."""

from prcnn.models.zoo import NETWORKS, build, names

__all__ = ["NETWORKS", "build", "names"]
