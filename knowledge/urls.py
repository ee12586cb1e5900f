"""Pages of the knowledge room on a tenant's host."""

from __future__ import annotations

from django.urls import path

from knowledge import views

app_name = "knowledge"

urlpatterns = [
    path("knowledge", views.document_list, name="documents"),
    path("knowledge/add", views.document_new, name="document_new"),
    path("knowledge/documents/<int:document_id>", views.document_detail, name="document"),
    path("knowledge/documents/<int:document_id>/edit", views.document_edit, name="document_edit"),
    path("knowledge/documents/<int:document_id>/text", views.document_text, name="document_text"),
    path("knowledge/documents/<int:document_id>/reindex", views.document_reindex, name="document_reindex"),
    path("knowledge/documents/<int:document_id>/delete", views.document_delete, name="document_delete"),
    path("knowledge/faq", views.faq_list, name="faq"),
    path("knowledge/faq/new", views.faq_new, name="faq_new"),
    path("knowledge/faq/undo", views.faq_undo, name="faq_undo"),
    path("knowledge/faq/<str:ref>", views.faq_edit, name="faq_edit"),
    path("knowledge/faq/<str:ref>/delete", views.faq_delete, name="faq_delete"),
]
