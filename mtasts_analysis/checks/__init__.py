"""Live checks of a domain: what a sender that honours MTA-STS would meet today.

``records`` and ``policy`` read text by the RFCs' grammars; ``coverage`` and ``advice`` compare it with the MX
hosts; ``certificates`` and ``dane`` judge what servers present: all pure. ``dns``, ``fetch`` and ``smtp`` ask the
network, bounded in bytes, time and sockets; ``domain`` puts one domain's check together.

Everything that answers was written by a stranger. Nothing here needs pandas.
"""
