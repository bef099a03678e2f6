"""Who asks, and what they may: a key in each request, checked in the transaction that answers it."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from ritornello.api.problems import MEDIA_TYPE, ProblemDocument
from ritornello.domain.errors import Refused
from ritornello.service.access import Principal, who_has_key
from ritornello.service.context import Context
from ritornello.wiring import Home
