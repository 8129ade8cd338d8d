"""Steps that write rows in the form that training wants. An import of one takes that one alone."""

from typing import TYPE_CHECKING

from steps import registry

if TYPE_CHECKING:
    from steps.formats.conversation_template import ConversationTemplate
    from steps.formats.format_alpaca import FormatAlpaca
    from steps.formats.format_chat_generation_dpo import FormatChatGenerationDPO
    from steps.formats.format_chat_generation_sft import FormatChatGenerationSFT
    from steps.formats.format_kto import FormatKTO
    from steps.formats.format_open_ai_chat import FormatOpenAIChat
    from steps.formats.format_prm import FormatPRM
    from steps.formats.format_share_gpt import FormatShareGPT
    from steps.formats.format_text_generation_dpo import FormatTextGenerationDPO
    from steps.formats.format_text_generation_sft import FormatTextGenerationSFT
    from steps.formats.prepare_examples import PrepareExamples
else:
    __getattr__ = registry.importer(__name__)

__all__ = [
    "ConversationTemplate",
    "FormatAlpaca",
    "FormatChatGenerationDPO",
    "FormatChatGenerationSFT",
    "FormatKTO",
    "FormatOpenAIChat",
    "FormatPRM",
    "FormatShareGPT",
    "FormatTextGenerationDPO",
    "FormatTextGenerationSFT",
    "PrepareExamples",
]
