"""Errors that a person can act on. Entry points print them as one line and exit with ``exit_code``."""


class PricestreamError(Exception):
    """Something a person can put right; its text says what is wrong and what to do."""

    exit_code = 1


class SettingsError(PricestreamError):
    """A setting is missing, unknown or out of range."""

    exit_code = 2


class SourceError(PricestreamError):
    """The price source refuses us for good: a bad key, an unknown currency, an unreadable file."""

    exit_code = 3


class StreamError(PricestreamError):
    """The Kinesis stream is missing, denied or not the one expected."""

    exit_code = 4


class StorageError(PricestreamError):
    """The lake, the checkpoint or the spool cannot be read or written, or belongs to another stream."""

    exit_code = 5


class AuditError(PricestreamError):
    """An audit found something that is missing or differs."""

    exit_code = 6
