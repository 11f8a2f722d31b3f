/** Loaded into the server before anything else. */
import { answerMeasures } from "@streamer/torture/measures";

answerMeasures();
