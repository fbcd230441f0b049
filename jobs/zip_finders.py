"""Zip finders: what Python keeps to import from an archive, in the processes that Spark runs Python functions in."""

import sys
from zipimport import zipimporter


def forget_zip_finders() -> None:
    """Forget them; where one is needed again it is made from what is known of its archive.

    Before each task Spark has Python look anew at whatever it may import from. Of ``pyspark.zip`` that is a list of
    1,300 files, read once for each of its dozen packages: 0.1 s of each task, which otherwise takes a few milliseconds.
    No archive changes while a job runs.
    """
    for path, finder in list(sys.path_importer_cache.items()):
        if isinstance(finder, zipimporter):
            del sys.path_importer_cache[path]
