import { render } from "preact";
import { App } from "./app.tsx";
import "uplot/dist/uPlot.min.css";
import "./style/base.css";
import "./style/shell.css";
import "./style/form.css";
import "./style/part.css";
import "./style/component.css";
import "./style/job.css";
import "./style/run.css";
import "./style/table.css";

render(<App />, document.getElementById("app")!);
