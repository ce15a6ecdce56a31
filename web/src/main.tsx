// The start of the page. A login token or the secret of a link leaves the address before anything else happens.

import { render } from "preact";
import { App } from "./app";
import { followHistory, takeSecret } from "./route";
import { followVisibleWindow } from "./window";

const secret = takeSecret();
followHistory();
followVisibleWindow();

const root = document.getElementById("app");
if (root !== null) render(<App secret={secret} />, root);
