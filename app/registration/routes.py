"""The pages of registering a school, in the order in which a school meets them."""

from fastapi import APIRouter

from app.registration import access, find, signup, tracker

router = APIRouter()
for step in (find, access, signup, tracker):
    router.include_router(step.router)
