// A large file goes in parts, each of which may be sent again; a bar shows how far it is. Without this script the form
// sends the file whole.

const TRIES = 5;
const WAIT_SECONDS = 2;

const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

const wait = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

/** What the server answers; what it refuses for good is thrown, and a broken line is tried again. */
async function call(address, options) {
  for (let again = 1; ; again += 1) {
    try {
      const answer = await fetch(address, options);
      if (answer.ok) return answer.status === 204 ? {} : await answer.json();
      if (answer.status < 500 && answer.status !== 429) {
        const told = await answer.json().catch(() => ({}));
        throw Object.assign(new Error(told.problem || "Load this page again, then try again."), { final: true });
      }
    } catch (wrong) {
      if (wrong.final) throw wrong;
    }
    if (again === TRIES) throw new Error("The connection was lost. Press Upload again: it goes on where it stopped.");
    await wait(WAIT_SECONDS * again);
  }
}

async function send(file, base, show) {
  const sha256 = hex(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  const about = new URLSearchParams({ name: file.name, size: file.size, sha256 });
  const begun = await call(`${base}/uploads`, { method: "POST", body: about });
  const have = new Set(begun.have);
  for (let position = 0; position < begun.chunks; position += 1) {
    if (!have.has(position)) {
      const part = file.slice(position * begun.chunk_bytes, (position + 1) * begun.chunk_bytes);
      await call(`${base}/uploads/${begun.id}/${position}`, { method: "PUT", body: part });
    }
    show((position + 1) / begun.chunks);
  }
  const done = await call(`${base}/uploads/${begun.id}/complete`, { method: "POST", body: new URLSearchParams() });
  window.location.assign(done.next);
}

for (const form of document.querySelectorAll("form[data-upload]")) {
  const status = form.querySelector("[role=status]");
  const bar = form.querySelector("progress");
  const input = form.querySelector("input[type=file]");
  const most = Number(form.dataset.most);
  form.addEventListener("submit", async (event) => {
    const file = input.files[0];
    if (!file || !window.crypto || !crypto.subtle) return; // the server says what is missing, or takes it whole
    event.preventDefault();
    if (file.size > most) {
      status.textContent = `The file is too large: at most ${Math.floor(most / 1024 / 1024)} MB are read.`;
      return;
    }
    const button = form.querySelector("button[type=submit]");
    button.disabled = true;
    bar.hidden = false;
    try {
      await send(file, form.dataset.upload, (share) => {
        bar.value = share;
        status.textContent = `${Math.round(share * 100)} % sent`;
      });
    } catch (wrong) {
      status.textContent = wrong.final || !(wrong instanceof TypeError) ? wrong.message : "The file could not be read. Choose it again.";
      button.disabled = false;
    }
  });
}
