// Shows a chosen portrait before it is sent. Read as a data: address, which the page's policy allows for pictures.

const chosen = document.getElementById("id_portrait");
const frame = document.getElementById("frame");

chosen?.addEventListener("change", () => {
  const file = chosen.files[0];
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
