// Goes on once: as soon as every frame has loaded, for which the window's load event waits, or after five seconds, unless the person stays.
const goingOn = document.getElementById("going-on");
const link = document.getElementById("continue");
const goOn = () => {
  stay();
  location.replace(link.href);
};
const stay = () => {
  clearTimeout(timer);
  removeEventListener("load", goOn);
};
const timer = setTimeout(goOn, 5000);
addEventListener("load", goOn);
document.getElementById("stay").addEventListener("click", () => {
  stay();
  goingOn.hidden = true;
  link.focus();
});
goingOn.hidden = false;
