// Passkeys. A form says with data-passkey what for; the script asks the server what is to be signed, asks the device,
// and sends the answer with the form. Without this script the form stays hidden, and a sentence says why.

const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (mark) => mark.charCodeAt(0));

const encode = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const known = (list) => (list || []).map((one) => ({ ...one, id: decode(one.id) }));

async function options(purpose) {
  const answer = await fetch("/passkeys/options", { method: "POST", body: new URLSearchParams({ purpose }) });
  if (!answer.ok) {
    throw new Error(answer.status === 429 ? "Too many tries. Wait a while, then try again." : "Load this page again, then try again.");
  }
  const asked = await answer.json();
  asked.challenge = decode(asked.challenge);
  return asked;
}

async function made(asked) {
  asked.user.id = decode(asked.user.id);
  asked.excludeCredentials = known(asked.excludeCredentials);
  const { id, rawId, type, response } = await navigator.credentials.create({ publicKey: asked });
  const { clientDataJSON, attestationObject } = response;
  const transports = response.getTransports ? response.getTransports() : [];
  return {
    id, rawId: encode(rawId), type,
    response: { clientDataJSON: encode(clientDataJSON), attestationObject: encode(attestationObject), transports },
  };
}

async function signed(asked) {
  asked.allowCredentials = known(asked.allowCredentials);
  const { id, rawId, type, response } = await navigator.credentials.get({ publicKey: asked });
  const { clientDataJSON, authenticatorData, signature, userHandle } = response;
  return {
    id, rawId: encode(rawId), type,
    response: {
      clientDataJSON: encode(clientDataJSON), authenticatorData: encode(authenticatorData), signature: encode(signature),
      userHandle: userHandle ? encode(userHandle) : null,
    },
  };
}

/** What went wrong, for the person in front of the device. */
function said(wrong) {
  if (wrong.name === "InvalidStateError") return "This device has a passkey for your account already.";
  if (wrong.name === "NotAllowedError") return "No passkey was used: it was cancelled, took too long, or none fits. Try again, or use another way.";
  if (wrong.name === "Error") return wrong.message;
  return "This browser could not use a passkey here. Use another way.";
}

if (window.PublicKeyCredential) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const status = form.querySelector("[role=status]");
    form.hidden = false;
    form.parentElement.querySelector("[data-passkey-absent]").hidden = true;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      status.textContent = "Follow what your device asks.";
      try {
        const asked = await options(form.dataset.passkey);
        const answer = await (form.dataset.passkey === "register" ? made(asked) : signed(asked));
        form.elements.credential.value = JSON.stringify(answer);
        form.submit();
      } catch (wrong) {
        status.textContent = said(wrong);
      }
    });
  }
}
