"""The built-in carrier: a telephone company on one machine that speaks Twilio's interface.

It knows nothing of Deskbell but the webhook URLs that were set on its numbers through REST. Read it in this order:
`exchange` (what there is), `call` (one call's life), `line` (its 20 ms tick), `verbs` (TwiML), `media_stream`,
`phones` (who calls), `rest` (Twilio's REST subset), `server` (the process).
"""

from __future__ import annotations
