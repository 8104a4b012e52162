import {
  Accordion,
  Button,
  CharacterCount,
  Checkboxes,
  ErrorSummary,
  FileUpload,
  NotificationBanner,
  PasswordInput,
  Radios,
  ServiceNavigation,
  SkipLink,
  Tabs,
  createAll,
} from "govuk-frontend";

document.body.classList.add("js-enabled", "govuk-frontend-supported");

for (const component of [
  Accordion,
  Button,
  CharacterCount,
  Checkboxes,
  ErrorSummary,
  FileUpload,
  NotificationBanner,
  PasswordInput,
  Radios,
  ServiceNavigation,
  SkipLink,
  Tabs,
]) {
  createAll(component);
}

/** Select the value, so that a browser which refuses the clipboard is one keystroke away from copying it. */
function select(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  const selection = window.getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const value = document.getElementById(button.dataset.copy);
  const status = button.parentElement.querySelector("[role=status]");
  button.hidden = !value;
  button.addEventListener("click", async () => {
    select(value);
    try {
      await navigator.clipboard.writeText(value.textContent);
      status.textContent = "Copied";
    } catch {
      status.textContent = "Selected: press Ctrl+C to copy";
    }
  });
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

const LOOK_SECONDS = 15;
const LOOK_FOR_MINUTES = 30; // a forgotten page must not keep a session alive for ever

/** Reload when the part of the page that tells how things stand has changed, unless something is being typed. */
for (const part of document.querySelectorAll("[data-live]")) {
  const begun = Date.now();
  const before = part.innerHTML;
  const timer = setInterval(async () => {
    if (Date.now() - begun > LOOK_FOR_MINUTES * 60_000) clearInterval(timer);
    if (document.hidden) return;
    try {
      const answer = await fetch(window.location.href, { headers: { accept: "text/html" } });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(part.id);
      if (!answer.ok || !fresh || fresh.innerHTML === before) return;
    } catch {
      return; // the next look will do
    }
    const typing = [...document.querySelectorAll("main textarea, main input")].some((field) => field.value !== field.defaultValue);
    if (!typing) window.location.reload();
    const notice = document.querySelector("[data-live-notice]");
    if (notice) notice.hidden = false;
  }, (Number(part.dataset.live) || LOOK_SECONDS) * 1000);
}
