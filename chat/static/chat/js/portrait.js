// Shows a chosen portrait before it is sent, and says at once if it is too large to be.
// It is read as a data: address, which the page's policy allows for pictures.

const chosen = document.getElementById("id_portrait");
const frame = document.getElementById("frame");
const tooLarge = document.getElementById("too-large");
const MOST = 5 * 1024 * 1024;

chosen?.addEventListener("change", () => {
  const file = chosen.files[0];
  tooLarge.hidden = !file || file.size <= MOST;
  if (!tooLarge.hidden) {
    chosen.value = "";
    return;
  }
  if (!file?.type.startsWith("image/")) return;
  const reader = new FileReader();
  reader.addEventListener("load", () => {
    const picture = document.createElement("img");
    picture.className = "portrait";
    picture.alt = "";
    picture.addEventListener("load", () => frame.replaceChildren(picture));
    picture.src = reader.result;
  });
  reader.readAsDataURL(file);
});
