"""The version, which is the package's."""

from duologue import __version__ as __version__
