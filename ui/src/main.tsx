/** show: where the pages begin. Puts the layout and the page that the address names into the document; decides nothing else. */
import { render } from "preact";

import { Layout } from "./layout";
import "./style.css";

const place = document.getElementById("app");
if (place) {
  place.replaceChildren();
  render(<Layout />, place);
}
