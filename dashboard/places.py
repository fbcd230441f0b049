"""Places: where the tree and the status are, on a disk or on S3."""

from urllib.parse import urlsplit

from dashboard.tree import SmallFile, Tree
from dashboard.tree_disk import DiskFile, DiskTree
from dashboard.tree_s3 import S3File, S3Tree, make_client
from jobs.storage import S3_SCHEMES, local_path
from pricestream.job_settings import S3Settings


def open_tree(root: str, s3: S3Settings, region: str) -> Tree:
    """Choose the tree for a folder: a path, ``file:``, ``s3://`` or ``s3a://``."""
    parts = urlsplit(root)
    if parts.scheme in S3_SCHEMES:
        return S3Tree(make_client(s3, region), parts.netloc, parts.path.strip("/"))
    return DiskTree(local_path(root))


def open_small_file(path: str, s3: S3Settings, region: str) -> SmallFile:
    """Choose the reader for one file."""
    parts = urlsplit(path)
    if parts.scheme in S3_SCHEMES:
        return S3File(make_client(s3, region), parts.netloc, parts.path.strip("/"))
    return DiskFile(local_path(path))
