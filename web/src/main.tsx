// The start of the page. The login token leaves the address before anything else happens.

import { render } from "preact";
import { App } from "./app";
import { followHistory, takeLoginToken } from "./route";
import { followVisibleWindow } from "./window";

const loginToken = takeLoginToken();
followHistory();
followVisibleWindow();

const root = document.getElementById("app");
if (root !== null) render(<App loginToken={loginToken} />, root);
