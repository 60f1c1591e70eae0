"""Coming in and going out: the one-time link, the login page, and a user's own settings."""

from django.contrib.auth import login as start_session
from django.contrib.auth import logout as end_session
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chat.pages.answers import UNPROCESSABLE, notify, signed_in, wanted_next
from chat.pages.doors import player
from chat.pages.entering import LinkSpentError, redeem
from chat.pages.forms import LoginForm
from chat.pages.limits import TooManyLoginsError, count_login
from chat.pages.models import Preference
from chat.story.models import Chat

#: For a page that is fetched ahead: with nothing to show or to keep, browsers ask again when the link is followed.
NO_CONTENT = 204


@never_cache
@require_safe
def enter(request: HttpRequest, token: str) -> HttpResponse:
    """Sign in the user of a one-time link; neither HEAD nor a browser's fetching ahead uses it up."""
    if request.method == "HEAD":
        return HttpResponse()
    if _is_fetched_ahead(request):
        return HttpResponse(status=NO_CONTENT)
    try:
        user = redeem(token)
    except LinkSpentError as error:
        if request.user.is_authenticated:
            return redirect("chats")
        return render(request, "chat/enter_spent.html", {"error": error}, status=error.status)
    start_session(request, user, backend="django.contrib.auth.backends.ModelBackend")
    stories = list(Chat.objects.visible_to(user.pk).filter(archived_at=None).values_list("id", flat=True)[:2])
    return redirect("chat", stories[0]) if len(stories) == 1 else redirect("chats")


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """Sign in with a name and a password; a few attempts a minute."""
    to = wanted_next(request) or resolve_url("chats")
    if request.user.is_authenticated:
        return HttpResponseRedirect(to)
    if request.method == "GET":
        return render(request, "registration/login.html", {"form": LoginForm(request), "next": to})
    try:
        count_login(request, name=request.POST.get("username", ""))
    except TooManyLoginsError as error:
        context = {"form": LoginForm(request), "next": to, "refused": error.detail}
        answer = render(request, "registration/login.html", context, status=error.status)
        answer["Retry-After"] = str(error.retry_after)
        return answer
    form = LoginForm(request, data=request.POST)
    if not form.is_valid():
        return render(request, "registration/login.html", {"form": form, "next": to}, status=UNPROCESSABLE)
    start_session(request, form.get_user())
    return HttpResponseRedirect(to)


@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """Sign out."""
    end_session(request)
    return redirect("login")


@require_http_methods(["GET", "POST"])
@signed_in
def account(request: HttpRequest) -> HttpResponse:
    """A player's own settings."""
    user = player(request)
    if request.method == "POST":
        enter_sends = request.POST.get("enter_sends") != "no"
        Preference.objects.update_or_create(user=user, defaults={"enter_sends": enter_sends})
        notify(request, "Saved.")
        return redirect("account")
    preference = Preference.objects.filter(user=user).first() or Preference(user=user)
    return render(request, "chat/account.html", {"preference": preference})


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@signed_in
def password(request: HttpRequest) -> HttpResponse:
    """Change the password; who came by a link and has none yet sets a first one."""
    user = player(request)
    kind = PasswordChangeForm if user.has_usable_password() else SetPasswordForm
    form = kind(user, request.POST if request.method == "POST" else None)
    if not form.is_valid():
        status = UNPROCESSABLE if form.is_bound else 200
        return render(request, "chat/password.html", {"form": form}, status=status)
    form.save()
    update_session_auth_hash(request, user)
    notify(request, "Your new password is kept.")
    return redirect("account")


def _is_fetched_ahead(request: HttpRequest) -> bool:
    said = " ".join(request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Moz", "X-Purpose"))
    return "prefetch" in said.casefold() or "preview" in said.casefold()
