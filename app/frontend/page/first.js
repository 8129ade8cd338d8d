/* What has to be there before Gradio's scripts. */

import "./answers.js";
import "./early.js";
