// Goes on once: as soon as every frame has loaded, for which the window's load event waits, or after five seconds.
const goOn = () => {
  clearTimeout(timer);
  removeEventListener("load", goOn);
  location.replace(document.getElementById("continue").href);
};
const timer = setTimeout(goOn, 5000);
addEventListener("load", goOn);
