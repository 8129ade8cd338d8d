"""Write instructions from a few words, and make them harder until they are long enough, without leaving their subject."""

from __future__ import annotations

from steps.tasks.evol_instruct_generator import EvolInstructGenerator, StartingTemplates
from steps.tasks.mutations import GENERATION_COMPLEXITY_MUTATIONS


class EvolComplexityGenerator(EvolInstructGenerator):
    """Makes instructions: a model writes them from a few words and makes them harder.

    It is EvolInstructGenerator without the mutation that writes another instruction: a chain stays with its subject.

    After What Makes Good Data for Alignment? (DEITA), https://arxiv.org/abs/2312.15685, and WizardLM: Empowering Large
    Language Models to Follow Complex Instructions, https://arxiv.org/abs/2304.12244

    Example:
        >>> from steps.llms.scripted_llm import ScriptedLLM
        >>> llm = ScriptedLLM(replies=["Bake bread.", "Bake bread without an oven, and say why it works."])
        >>> task = EvolComplexityGenerator(num_instructions=1, min_length=20, max_length=80, llm=llm)
        >>> [row["instruction"] for row in task.generate()]
        ['Bake bread without an oven, and say why it works.']
    """

    mutation_templates: StartingTemplates = GENERATION_COMPLEXITY_MUTATIONS
