"""The pages of registering a school, in the order in which a school meets them."""

from fastapi import APIRouter

from app.registration import access, access_case, find, signup, tracker

router = APIRouter()
for step in (find, access, access_case, signup, tracker):
    router.include_router(step.router)
