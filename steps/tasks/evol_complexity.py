"""Make instructions harder in several steps."""

from __future__ import annotations

from steps.tasks.evol_instruct import EvolInstruct
from steps.tasks.evolution import Templates
from steps.tasks.mutations import COMPLEXITY_MUTATIONS


class EvolComplexity(EvolInstruct):
    """Has a model make each instruction harder, step by step.

    It is EvolInstruct without the mutation that writes another instruction: what is asked stays, and becomes more complex.
    EvolInstruct says which rewrites are not used, and what happens then.

    After What Makes Good Data for Alignment? (DEITA), https://arxiv.org/abs/2312.15685, and WizardLM: Empowering Large
    Language Models to Follow Complex Instructions, https://arxiv.org/abs/2304.12244

    Example:
        >>> from steps.llms.scripted_llm import ScriptedLLM
        >>> llm = ScriptedLLM(replies=["Name a river that flows north."])
        >>> EvolComplexity(num_evolutions=1, llm=llm).process([{"instruction": "Name a river."}])[0]["evolved_instruction"]
        'Name a river that flows north.'
    """

    mutation_templates: Templates = COMPLEXITY_MUTATIONS
