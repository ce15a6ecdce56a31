// The start of the page. A login token or the secret of a link leaves the address before anything else happens.

import { render } from "preact";
import { App } from "./app";
import { followHistory, takeLoginError, takeSecret } from "./route";
import { followVisibleWindow } from "./window";

const secret = takeSecret();
const loginError = takeLoginError();
followHistory();
followVisibleWindow();

const root = document.getElementById("app");
if (root !== null) render(<App secret={secret} loginError={loginError} />, root);
